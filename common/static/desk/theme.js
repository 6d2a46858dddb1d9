// Before anything is painted: dark or light, as the theme's own script (app.js, theme()) will say once it runs.
"use strict";

(() => {
  let chosen = "auto";
  try {
    chosen = JSON.parse(localStorage.getItem("_x_adminTheme")) || chosen;
  } catch {
    // no storage, or another's word in it: as the system has it
  }
  const isDark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  if (isDark) document.documentElement.classList.add("dark");
})();
