// What the pages do better with a script; without it everything works too.
// It makes no markup and keeps nothing.
"use strict";

// A double click sends a form once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method.toLowerCase() !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});

// A page that comes back from the browser's memory may send its forms again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) delete form.dataset.sent;
});

// Keys: each element says in data-key which one means it.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target;
  const typing = target.closest && target.closest("input, textarea, select");
  if (event.key === "Escape" && typing) {
    target.blur();
    return;
  }
  if (typing) return;
  const meant = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!meant) return;
  event.preventDefault();
  if (meant.tagName === "DETAILS") {
    meant.open = !meant.open;
    meant.querySelector("summary").focus();
  } else if (meant.matches("input[type=text], textarea")) {
    meant.focus();
  } else {
    meant.click();
  }
});

// How long a claim still holds.
const lease = document.querySelector("[data-until]");
if (lease) {
  const until = Date.parse(lease.dataset.until);
  const shown = lease.querySelector("[data-left]");
  const tick = () => {
    const left = Math.max(0, Math.round((until - Date.now()) / 1000));
    const minutes = Math.floor(left / 60);
    shown.textContent = left === 0
      ? "It has ended: take the question again before you decide. What you have typed stays."
      : `${minutes} min ${String(left % 60).padStart(2, "0")} s left`;
    lease.classList.toggle("desk-ended", left === 0);
  };
  tick();
  window.setInterval(tick, 1000);
}
