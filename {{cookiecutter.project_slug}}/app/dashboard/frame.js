/**
 * Drawing once for each frame of the screen, however much has happened since the one before.
 */

/** @type {Set<() => void>} */
const dirty = new Set();
let asked = 0;

/**
 * Gives a function that says: what `draw` shows is out of date.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function perFrame(draw) {
  return () => {
    dirty.add(draw);
    asked ||= requestAnimationFrame(drawAll);
  };
}

function drawAll() {
  asked = 0;
  const drawings = [...dirty];
  dirty.clear();
  for (const draw of drawings) {
    try {
      draw();
    } catch (error) {
      reportError(error); // One panel that fails does not stop the others.
    }
  }
}
