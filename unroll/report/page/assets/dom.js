// What both interactive parts build their elements with. Text is only ever set as text.

function make(namespace) {
  return (name, attributes = {}, ...children) => {
    const element = document.createElementNS(namespace, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
}

const html = make("http://www.w3.org/1999/xhtml");
const svg = make("http://www.w3.org/2000/svg");

const given = (id) => JSON.parse(document.getElementById(id).textContent);

document.documentElement.classList.remove("still");
for (const details of document.querySelectorAll("details")) {
  details.open = false;
  // On paper a claim is a line, as on the screen: unfolded, the ledger alone would take ten pages.
  if (!details.closest("#ledger")) addEventListener("beforeprint", () => { details.open = true; });
}
