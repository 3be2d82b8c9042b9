// What makes the page live: it hears that something changed, and fetches the part that changes of the view that is seen.
// Without it the page is the same, with a button to press.
"use strict";

const live = document.getElementById("live");
const told = document.getElementById("live-state");
const topics = new Set((live.dataset.topics || "").split(" ").filter(Boolean));
let events = null;
let fetching = false;
let again = false;

function say(text, isOn) {
  if (told.textContent !== text) told.textContent = text;
  told.classList.toggle("on", isOn);
}

/* The element that had the focus is made anew: the one that is like it gets it back. */
function focused() {
  const at = document.activeElement;
  if (!at || !live.contains(at)) return () => {};
  const name = at.id ? "#" + CSS.escape(at.id) : at.getAttribute("href") ? `a[href="${CSS.escape(at.getAttribute("href"))}"]` : null;
  return () => { const found = name && live.querySelector(name); if (found) found.focus({ preventScroll: true }); };
}

function opened() {
  const open = [...live.querySelectorAll("details[id][open]")].map((each) => each.id);
  return () => open.forEach((id) => { const found = document.getElementById(id); if (found) found.open = true; });
}

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("part", "1");
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    const made = document.createElement("template");
    made.innerHTML = text;
    if (made.innerHTML.trim() !== live.dataset.last) {
      const after = [focused(), opened()];
      live.dispatchEvent(new CustomEvent("leaving"));
      live.replaceChildren(made.content);
      live.dataset.last = live.innerHTML.trim();
      after.forEach((each) => each());
      live.dispatchEvent(new CustomEvent("fresh"));
    }
  } catch {
    say("not answered", false);
  } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

function listen() {
  if (events || !topics.size || document.hidden) return;
  events = new EventSource("events");
  events.onopen = () => { if (told.dataset.was) refresh(); told.dataset.was = "1"; say("live", true); };
  events.onerror = () => say("connecting", false);
  events.addEventListener("changed", (event) => {
    if (event.data.split(" ").some((each) => topics.has(each))) refresh();
  });
}

function stop() {
  if (events) events.close();
  events = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
addEventListener("pagehide", stop);
addEventListener("pageshow", listen);

/* Filters show what they find while one types. */
let typing = 0;
for (const field of document.querySelectorAll("[data-auto]")) {
  field.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      const words = new URLSearchParams(new FormData(field.form));
      for (const [name, value] of [...words]) if (!value) words.delete(name);
      history.replaceState(null, "", `${field.form.getAttribute("action")}${words.size ? "?" : ""}${words}`);
      refresh();
    }, 200);
  });
}

/* The key / goes to the search. */
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (at && (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName))) return;
  const search = document.querySelector("input[type=search], input[name=url]");
  if (search) { event.preventDefault(); search.focus(); }
});
