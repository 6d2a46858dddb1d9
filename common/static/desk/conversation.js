// Ctrl and Enter (or Cmd and Enter) send the form that the text is in.
document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  if (!(field instanceof HTMLTextAreaElement) || field.dataset.sendWith !== "ctrl-enter") return;
  event.preventDefault();
  field.form.requestSubmit();
});
