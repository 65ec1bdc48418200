// Icons, drawn for these pages: strokes on a grid of 24.
const PATHS = {
  overview: "M4 13h5V4H4zM15 20h5v-9h-5zM4 20h5v-3H4zM15 7h5V4h-5z",
  events: "M13 3 5 14h6l-1 7 8-11h-6z",
  deliveries: "M21 4 3 11l7 3 3 7zM10 14 21 4",
  endpoints: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
  sources: "M4 12h11M11 7l5 5-5 5M20 4v16",
  subscriptions: "M4 6h16M7 12h10M10 18h4",
  quarantine: "M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6zM12 9v4M12 16.5v.01",
  jobs: "M20 11a8 8 0 0 0-14-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14 4l2-2M20 20v-5h-5",
  keys: "M8 19.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12.500 20 3.500M16 7.500l3 3M12.800 10.700l2 2",
  portals: "M14 4h6v6M20 4l-9 9M18 14v6H4V6h6",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  projects: "M4 7h6l2 2h8v10H4z",
  menu: "M4 7h16M4 12h16M4 17h16",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width={size > 24 ? 1.3 : 1.8} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path d="M8 11h13l-4-4M24 21H11l4 4" fill="none" stroke="var(--on-accent)" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
