/** The kernel machines that scenarios need, each started once: for ext4, for tmpfs, and for swap of one's own. */
import { checkOvercommit, KernelMachine, type MachineOptions } from './driver.ts';

type Kind = 'ext4' | 'tmpfs' | 'exclusive';

function kindOf(source: string): Kind {
  if (/^kernel: (swapoff|swapon)\(/m.test(source)) return 'exclusive';
  return /^machine .*\bfilesystem=tmpfs\b/m.test(source) ? 'tmpfs' : 'ext4';
}

const OPTIONS: Readonly<Record<Kind, MachineOptions>> = {
  ext4: {},
  tmpfs: { filesystem: 'tmpfs' },
  exclusive: { exclusive: true },
};

/** Scenarios may run for a minute here, so that a slow machine is not taken for an endless scenario. */
const LIMITS: MachineOptions = { runLimitMs: 60_000, stepLimitMs: 10_000 };

/** Whether a scenario works on the swap of the whole machine, so that no other machine may be up. */
export function needsExclusive(source: string): boolean {
  return kindOf(source) === 'exclusive';
}

/** How long machines are kept though others wait: their start takes a second. */
const TENURE_MS = 5000;

export class Machines {
  private readonly machines = new Map<Kind, KernelMachine>();
  private since = 0;

  /** A machine for a scenario, as good as new. One that an earlier scenario has used up is replaced. */
  async fresh(source: string): Promise<KernelMachine> {
    const kind = kindOf(source);
    const known = this.machines.get(kind);
    if (known !== undefined && known.over === undefined) {
      const wanted = await known.reset();
      checkOvercommit();
      if (!wanted || Date.now() - this.since < TENURE_MS) {
        // An earlier scenario may have left swap off; where it is on, this is refused.
        if (kind === 'exclusive') await known.kernel({ op: 'swapon' }).catch(() => {});
        return known;
      }
      // Somebody waits who cannot run beside this machine: it stands in line again, behind him.
      await this.close();
    }
    await known?.close();
    // An exclusive machine tolerates no other, ours included.
    if (kind === 'exclusive' || this.machines.has('exclusive')) await this.close();
    const machine = await KernelMachine.start({ ...LIMITS, ...OPTIONS[kind] });
    if (this.machines.size === 0) this.since = Date.now();
    this.machines.set(kind, machine);
    return machine;
  }

  async close(): Promise<void> {
    for (const machine of this.machines.values()) await machine.close();
    this.machines.clear();
  }
}
