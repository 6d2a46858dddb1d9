// A passkey that was not used says so on the page.
"use strict";
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const words = document.getElementById("passkey-error");
  if (!words) return;
  if (/^[\d.]+$|^\[/.test(location.hostname)) {
    words.textContent = "Browsers allow no passkeys at an IP address. Open this site by its name; on this machine, as localhost.";
  }
  words.hidden = false;
});
