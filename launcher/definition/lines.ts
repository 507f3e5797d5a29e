// In which line of a TOML file each key and each item of a list stands. The parser of the package `toml` keeps this for every
// way of writing a key: below a header, dotted, in an inline table, in one of several [[tables]].
import parser, { type EntryNode, type HeaderNode, type ValueNode } from 'toml/lib/parser.js';

/** Keys and indices that lead to a value: ['policies', 1, 'type']. */
export type Path = readonly (string | number)[];

/** The line of the value at `path`, else of what it would stand in; undefined for what the file's top lacks. */
export function lineOf(text: string, path: Path): number | undefined {
  const offsets = new Offsets(parser.parse(text));
  for (let length = path.length; length > 0; length--) {
    const offset = offsets.at(path.slice(0, length));
    if (offset !== undefined) return text.slice(0, offset).split('\n').length;
  }
  return undefined;
}

/** Where each path is first mentioned. */
class Offsets {
  readonly #offsets = new Map<string, number>();
  /** How many tables each [[header]] has made so far. */
  readonly #tables = new Map<string, number>();

  constructor(nodes: readonly (EntryNode | HeaderNode)[]) {
    let table: Path = [];
    for (const node of nodes)
      if ('key' in node) this.#entry(table, node);
      else table = this.#header(node);
  }

  at(path: Path): number | undefined {
    return this.#offsets.get(keyOf(path));
  }

  #mention(path: Path, offset: number): void {
    const key = keyOf(path);
    if (!this.#offsets.has(key)) this.#offsets.set(key, offset);
  }

  /** @returns the path of the table that the header begins */
  #header({ type, value, offset }: HeaderNode): Path {
    let path: Path = [];
    value.forEach((name, i) => {
      path = [...path, name];
      this.#mention(path, offset);
      const key = keyOf(path);
      if (type === 'ArrayPath' && i === value.length - 1)
        this.#tables.set(key, (this.#tables.get(key) ?? 0) + 1);
      // A name that stands for several tables means the last of them.
      const count = this.#tables.get(key);
      if (count !== undefined) path = [...path, count - 1];
      this.#mention(path, offset);
    });
    return path;
  }

  #entry(table: Path, { key, value, offset }: EntryNode): void {
    key.forEach((_, i) => {
      this.#mention([...table, ...key.slice(0, i + 1)], offset);
    });
    this.#value([...table, ...key], value);
  }

  #value(path: Path, node: ValueNode): void {
    if (node.type === 'InlineTable') for (const entry of node.value) this.#entry(path, entry);
    if (node.type !== 'Array') return;
    node.value.forEach((item, i) => {
      this.#mention([...path, i], item.offset);
      this.#value([...path, i], item);
    });
  }
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
