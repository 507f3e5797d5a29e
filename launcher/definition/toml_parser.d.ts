// The part of the package `toml` that knows where everything stands; its own types describe the values only.
declare module 'toml/lib/parser.js' {
  /** A value; `offset` is where it begins in the text, in UTF-16 units. */
  export type ValueNode =
    | { readonly type: 'Array'; readonly value: readonly ValueNode[]; readonly offset: number }
    | { readonly type: 'InlineTable'; readonly value: readonly EntryNode[]; readonly offset: number }
    | { readonly type: 'Scalar'; readonly value: unknown; readonly offset: number };

  /** `a.b = VALUE`, in a line of its own or in an inline table. */
  export interface EntryNode {
    readonly type: 'Assign' | 'InlineTableValue';
    readonly key: readonly string[];
    readonly value: ValueNode;
    readonly offset: number;
  }

  /** `[a.b]` or `[[a.b]]`. */
  export interface HeaderNode {
    readonly type: 'ObjectPath' | 'ArrayPath';
    readonly value: readonly string[];
    readonly offset: number;
  }

  /** In the order of the text. @throws with the place, as the package's own parse() does */
  export function parse(text: string): readonly (EntryNode | HeaderNode)[];
}
