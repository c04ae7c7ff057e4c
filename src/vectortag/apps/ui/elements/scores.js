// Tags with their scores. data: {rows: [{tag, name, score, threshold, found, guessed, said}], chosen, empty, thumbs}
// `name` is what is shown. Events: tag = the clicked tag; said = {tag, has} of the clicked thumb.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.replaceChildren();
  root.setAttribute("role", "list");
  root.setAttribute("aria-label", "Tags");
  let above = "";
  for (const row of data.rows) {
    const heading = row.found ? "" : row.guessed ? "no tag reaches its threshold; best guesses" : "below their threshold";
    if (heading !== above) root.append(divider(heading));
    above = heading;
    root.append(line(row));
  }
  if (!data.rows.length) root.append(divider(data.empty));

  function divider(text) {
    const line = element("p", "divider", text);
    line.setAttribute("role", "listitem"); // a list may hold nothing else
    return line;
  }

  function line(row) {
    const item = element("div", "row");
    item.setAttribute("role", "listitem");
    item.classList.toggle("found", row.found);
    item.classList.toggle("chosen", row.tag === data.chosen);
    const button = element("button", "tag");
    button.type = "button";
    button.dataset.testid = "tag";
    button.setAttribute("aria-pressed", String(row.tag === data.chosen));
    const limit = row.threshold === null ? "no threshold" : `threshold ${row.threshold.toFixed(2)}`;
    button.title = `${row.name}: score ${row.score.toFixed(2)}, ${limit}`;
    button.setAttribute("aria-label", button.title);
    button.append(element("span", "name", row.name), element("span", "score", row.score.toFixed(2)), bar(row));
    button.onclick = () => {
      for (const other of root.querySelectorAll(".row")) other.classList.toggle("chosen", other === item);
      window.dispatchEvent(new CustomEvent("vectortag-tag", { detail: row.tag }));
      setTriggerValue("tag", row.tag);
    };
    item.append(button);
    if (data.thumbs) item.append(thumb(row, true), thumb(row, false));
    return item;
  }

  function bar(row) {
    const whole = element("span", "bar");
    const filled = element("span", "filled");
    filled.style.width = `${100 * row.score}%`;
    whole.append(filled);
    if (row.threshold !== null) {
      const tick = element("span", "tick");
      tick.style.left = `${100 * row.threshold}%`;
      whole.append(tick);
    }
    return whole;
  }

  function thumb(row, has) {
    const button = element("button", has ? "thumb yes" : "thumb no");
    button.type = "button";
    button.title = has ? `"${row.name}" is right` : `"${row.name}" is wrong`;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", String(row.said === has));
    button.innerHTML = `<svg viewBox="0 0 24 24"><path d="M7 10v11H3V10zm2 0 4-8 1.2.6c.7.4 1 1.2.8 2L14 9h6a2 2 0 0 1 2 2.4l-1.6 8A2 2 0 0 1 18.4 21H9z"/></svg>`;
    button.onclick = () => setTriggerValue("said", { tag: row.tag, has });
    return button;
  }
}

function element(kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}
