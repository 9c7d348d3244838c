/* The words stand in the page. Scripts fill them in and put them where readers see or hear them. */

export const said = JSON.parse(document.getElementById("said").textContent);

export function tell(id, words) {
  const place = document.getElementById(id);
  // The same words again would be read out again.
  if (place.textContent !== words) place.textContent = words;
  place.classList.toggle("urgent", words === said.waiting);
}

export function fill(words, values) {
  return words.replace(/{(\w+)}/g, (_, name) => values[name]);
}
