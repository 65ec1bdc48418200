// Theme of an embedded portal: parameters "theme-accent", … of its address become CSS variables.
// Only those that are named here, and only values that are a colour, a length or a list of fonts.

const COLOUR = /^#[0-9a-f]{3,8}$/i;
const VARIABLES: Record<string, RegExp> = {
  accent: COLOUR, "accent-strong": COLOUR, "on-accent": COLOUR, bg: COLOUR, surface: COLOUR,
  sunken: COLOUR, line: COLOUR, "line-strong": COLOUR, text: COLOUR, muted: COLOUR,
  radius: /^\d{1,2}px$/, font: /^[\w ,'"-]{1,120}$/,
};

export function applyTheme(parameters: URLSearchParams) {
  for (const [name, form] of Object.entries(VARIABLES)) {
    const value = parameters.get(`theme-${name}`);
    if (value && form.test(value)) document.documentElement.style.setProperty(`--${name}`, value);
  }
}
