/** One line of a tree, and what stands below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** Lines of a tree: the root, and its branches drawn with lines. Pure. */
export function renderTree(root: Branch): string[] {
  return [root.text, ...limbs(root.below, '')];
}

function limbs(branches: readonly Branch[], indent: string): string[] {
  return branches.flatMap((branch, index) => {
    const isLast = index === branches.length - 1;
    return [`${indent}${isLast ? '└── ' : '├── '}${branch.text}`, ...limbs(branch.below, `${indent}${isLast ? '    ' : '│   '}`)];
  });
}
