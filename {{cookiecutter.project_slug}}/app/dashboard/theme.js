/**
 * Light or dark: as the system has it, until the person chooses.
 */

const KEY = 'theme';
const THEMES = ['auto', 'light', 'dark'];

/** A button that goes round. @param {HTMLElement} button */
export function chooseTheme(button) {
  let theme = THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'auto';
  show();
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem(KEY, theme);
    show();
  });

  function show() {
    document.documentElement.dataset.theme = theme;
    button.setAttribute('aria-label', `Theme: ${theme}`);
    button.title = `Theme: ${theme}`;
  }
}
