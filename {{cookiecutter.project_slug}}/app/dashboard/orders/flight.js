/**
 * Elements that move from one list to another are seen to fly there. The lists scroll, and would cut
 * off what leaves them: so a picture of the element flies above the page.
 */

const MILLISECONDS = 380;
// More than these at once are only noise, and cost frames.
const MOST = 6;

const still = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * Remember where these are; call what it gives when they have been moved.
 * @param {HTMLElement[]} elements
 * @returns {() => void}
 */
export function lift(elements) {
  const isQuiet = elements.length === 0 || elements.length > MOST;
  if (isQuiet || still.matches || document.hidden) return () => {};
  const from = elements.map((element) => element.getBoundingClientRect());
  return () => {
    const to = elements.map((element) => element.getBoundingClientRect());
    elements.forEach((element, index) => fly(element, from[index], to[index]));
  };
}

/** @param {HTMLElement} element @param {DOMRect} from @param {DOMRect} to */
function fly(element, from, to) {
  if (!from.width || !to.width) return;
  const picture = /** @type {HTMLElement} */ (element.cloneNode(true));
  picture.inert = true;
  picture.ariaHidden = 'true';
  picture.classList.add('flying');
  for (const name of Object.keys(picture.dataset)) delete picture.dataset[name];
  const [x, y] = [from.left - to.left, from.top - to.top];
  Object.assign(picture.style, {
    left: `${to.left}px`, top: `${to.top}px`, width: `${to.width}px`, height: `${to.height}px`,
  });
  document.body.append(picture);
  const timing = { duration: MILLISECONDS, easing: 'cubic-bezier(0.3, 0.9, 0.3, 1)' };
  element.animate([{ opacity: 0 }, { opacity: 0 }], timing);
  const flight = picture.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], timing);
  flight.onfinish = flight.oncancel = () => picture.remove();
}
