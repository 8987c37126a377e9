// Keeps the regions marked data-live as the server has them now. Everything works without this.
const every = Number(document.body.dataset.refresh) * 1000;
const marks = document.querySelectorAll(".live");
const selected = (region) => {
  const selection = getSelection();
  return selection !== null && selection.type === "Range" && region.contains(selection.anchorNode);
};

// The server writes UTC; who looks reads their own clock. Tooltips keep both.
const local = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
function localise(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.title = time.lastElementChild.textContent.slice(1, -1);
    time.lastElementChild.textContent = `(${local.format(new Date(time.dateTime))})`;
  }
}

// What someone is reading closely, typing into or about to decide is left alone.
const busy = (region) =>
  "dirty" in region.dataset
  || region.querySelector("details.ask[open]") !== null
  || (region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"))
  || selected(region);

function exchange(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...old.querySelectorAll("details[open][id]")].map((element) => element.id);
  old.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

// Once a form is on its way, what this page shows may be gone before the next page is here.
let leaving = new AbortController();
addEventListener("submit", () => leaving.abort());
addEventListener("pageshow", () => { leaving = new AbortController(); });

async function refresh() {
  if (leaving.signal.aborted) return;
  const answer = await fetch(location.href, {
    headers: { "Vedette-Fragment": "live" }, credentials: "same-origin", signal: leaving.signal,
  });
  if (answer.status === 401 || answer.status === 404) {
    location.reload();
    return;
  }
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(fresh);
  for (const region of document.querySelectorAll("[data-live]")) {
    const twin = fresh.getElementById(region.id);
    if (twin && !busy(region)) exchange(region, twin);
  }
}

function show(on) {
  for (const mark of marks) {
    mark.hidden = false;
    mark.toggleAttribute("data-on", on);
    mark.textContent = on ? mark.dataset.words : mark.dataset.lost;
  }
}

const look = () => refresh().then(() => show(true), () => show(leaving.signal.aborted));

async function beat() {
  if (!document.hidden) await look();
  setTimeout(beat, every);
}

localise(document);
// On a narrow screen the menu is wider than the page: where one is stands in sight.
document.querySelector(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (every > 0 && document.querySelector("[data-live]")) {
  show(true);
  setTimeout(beat, every);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) look();
  });
  document.addEventListener("input", (event) => {
    const region = event.target.closest("[data-live]");
    if (region) region.dataset.dirty = "";
  });
}
