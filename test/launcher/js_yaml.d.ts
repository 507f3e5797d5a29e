declare module 'js-yaml' {
  /** @throws Error where it is no YAML */
  export function load(text: string): unknown;
}
