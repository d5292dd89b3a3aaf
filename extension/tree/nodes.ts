// The items of the two trees as plain values, each with an identity that outlives steps.
import type {
  CachedFileView,
  MachineView,
  NumberView,
  PageRunView,
  ProcessView,
  VmaView,
} from '../../simulator/index.ts';

interface Common {
  /** Stable over steps, so that selection and expansion stay where they are. */
  readonly id: string;
  readonly parent: TreeNode | null;
}

/** A label with an optional remark; `changed` by the last step. */
export interface TextNode extends Common {
  readonly kind: 'text';
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly icon: string;
  readonly changed: boolean;
  readonly address?: { readonly pid: number; readonly address: string };
}

export type TreeNode =
  | TextNode
  /** There is no process; a view that became empty would lose the keyboard's focus. `canBegin`: a step comes next. */
  | (Common & { readonly kind: 'nobody'; readonly canBegin: boolean })
  /** `isOpen`: its areas are shown at once. */
  | (Common & { readonly kind: 'process'; readonly view: ProcessView; readonly isOpen: boolean })
  /** Some of all processes, counted by pid from 0. */
  | (Common & { readonly kind: 'processes'; readonly label: string; readonly from: number; readonly count: number })
  | (Common & { readonly kind: 'mm'; readonly view: ProcessView })
  | (Common & { readonly kind: 'number'; readonly view: NumberView })
  /** Some of a process's VMAs, counted from 0; `start`: where the first of them begins. */
  | (Common & {
      readonly kind: 'chunk';
      readonly pid: number;
      readonly from: number;
      readonly count: number;
      readonly start: string;
    })
  | (Common & {
      readonly kind: 'vma';
      readonly pid: number;
      readonly view: VmaView;
      /** The area, or a page in it. */
      readonly changed: boolean;
    })
  | (Common & { readonly kind: 'run'; readonly pid: number; readonly view: PageRunView })
  | (Common & { readonly kind: 'cache'; readonly view: MachineView['cache'] })
  | (Common & { readonly kind: 'file'; readonly view: CachedFileView })
  | (Common & { readonly kind: 'memory'; readonly view: MachineView['memory'] })
  | (Common & { readonly kind: 'swap'; readonly view: MachineView['swap'] });

export type NodeOf<K extends TreeNode['kind']> = Extract<TreeNode, { readonly kind: K }>;

/** Whether the last step changed what the row tells, or anything below it. */
export function isChanged(node: TreeNode): boolean {
  switch (node.kind) {
    case 'process':
    case 'number':
    case 'run':
    case 'cache':
    case 'file':
    case 'memory':
    case 'swap':
      return node.view.changed;
    case 'mm':
      return node.view.numbers.some((number) => number.changed);
    case 'vma':
    case 'text':
      return node.changed;
    default:
      return false;
  }
}
