// A matrix for make: a target for each cell, so that `make -j` or a farm that knows make shares the work out.
import { shellWord } from '../shell.js';
import type { Matrix } from './read.js';
import { outputOf } from './build.js';

/** make's own words are spaces, colons, dollars and hashes. */
function quoted(path: string): string {
  return path.replaceAll('$', '$$$$').replace(/[\s#:\\]/g, (char) => `\\${char}`);
}

/** In a recipe, which the shell reads. */
function shell(text: string): string {
  return shellWord(text).replaceAll('$', '$$$$');
}

/** `thaw`: the command that builds a cell. */
export function makefile(matrix: Matrix, thaw: string): string {
  const outputs = matrix.cells.map((cell) => quoted(outputOf(matrix, cell)));
  const rules = matrix.cells.map((cell) => {
    const needs = [
      matrix.file,
      ...cell.profiles,
      ...(cell.device === undefined ? [] : [cell.device.root.path]),
    ];
    const recipe = `$(THAW) build --matrix ${shell(matrix.file)} --only ${shell(cell.name)}`;
    return `${quoted(outputOf(matrix, cell))}: ${needs.map(quoted).join(' ')}\n\t${recipe}\n\t@touch -c $@\n`;
  });
  return [
    `# Made by thaw build --makefile of ${matrix.file.replaceAll('\n', ' ')}`,
    `THAW ?= ${thaw}`,
    `.PHONY: all`,
    `all: ${outputs.join(' ')}`,
    '',
    ...rules,
  ].join('\n');
}
