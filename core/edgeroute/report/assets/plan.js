"use strict";
(() => {
  const cards = [...document.querySelectorAll(".card")];
  const parts = [...document.querySelectorAll(".routed svg [data-routes]")];
  const about = document.getElementById("about");
  let kept = cards.length ? "0" : "";

  const light = (route) => {
    for (const part of parts) part.classList.toggle("lit", part.dataset.routes.split(" ").includes(route));
    for (const card of cards) card.setAttribute("aria-selected", String(card.dataset.route === route));
  };
  const keep = (route) => { kept = route; light(route); };

  for (const card of cards) {
    card.addEventListener("mouseenter", () => light(card.dataset.route));
    card.addEventListener("mouseleave", () => light(kept));
    card.addEventListener("focus", () => light(card.dataset.route));
    card.addEventListener("click", () => keep(card.dataset.route));
    card.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); keep(card.dataset.route); }
    });
  }

  const tell = (part) => {
    for (const other of parts) other.classList.toggle("chosen", other === part);
    about.replaceChildren();
    const lines = (part.querySelector("title")?.textContent || "").split("\n").filter(Boolean);
    const pairs = [["Edge", part.dataset.key], ...lines.map((line, i) => [i ? "" : "What", line])];
    pairs.push(["Routes", part.dataset.routes ? part.dataset.routes.split(" ").map((r) => Number(r) + 1).join(", ") : "none of those shown"]);
    for (const [name, value] of pairs) {
      const dt = document.createElement("dt"), dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      about.append(dt, dd);
    }
    about.hidden = false;
  };
  for (const part of parts) {
    if (part.tagName !== "g") continue;
    const first = part.dataset.routes.split(" ")[0];
    part.addEventListener("mouseenter", () => { if (first && !part.dataset.routes.split(" ").includes(kept)) light(first); });
    part.addEventListener("mouseleave", () => light(kept));
    part.addEventListener("click", () => { if (part.classList.contains("converter")) tell(part); if (first) keep(part.dataset.routes.split(" ").includes(kept) ? kept : first); });
  }
  light(kept);
})();
