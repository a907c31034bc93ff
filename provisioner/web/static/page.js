// The theme, before anything is painted; and a run that goes on. Pages work without it.
"use strict";

const kept = {
  get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
  set: (value) => { try { localStorage.setItem("theme", value); } catch { /* files may not store */ } },
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const shows = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
const chosen = kept.get();
if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;

addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const label = () => { button.textContent = shows() === "dark" ? "Light" : "Dark"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = shows() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    kept.set(next);
    label();
  });
  dark.addEventListener("change", label);
  label();
  const run = document.getElementById("run");
  if (run && run.dataset.live) follow(run);
});

async function follow(run) {
  let wait = 1000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const asked = new URLSearchParams(location.search);
      asked.set("after", run.dataset.last);
      const answer = await fetch(`${run.dataset.live}?${asked}`);
      wait = 1000;
      if (answer.status === 204) continue;
      if (!answer.ok) throw new Error(answer.statusText);
      take(run, await answer.text());
      run.dataset.last = answer.headers.get("X-Last");
      if (answer.headers.get("X-Ended") === "1") return;
    } catch {
      wait = Math.min(wait * 2, 15000); // the server is away; it may come back
    }
  }
}

// The server escapes what it sends; the policy of the page lets no script in it run besides.
function take(run, text) {
  const came = new DOMParser().parseFromString(text, "text/html");
  run.querySelector("#head").replaceWith(came.getElementById("head"));
  const sections = run.querySelector("#sections");
  const fresh = came.querySelectorAll("#sections > .section:not(.empty)");
  if (fresh.length) sections.querySelector(".empty")?.remove();
  for (const section of fresh) {
    const old = document.getElementById(section.id);
    if (old) {
      const opened = [...old.querySelectorAll("details")].map((each) => each.open);
      section.querySelectorAll("details").forEach((each, at) => { if (at in opened) each.open = opened[at]; });
      old.replaceWith(section);
    } else sections.append(section);
  }
}
