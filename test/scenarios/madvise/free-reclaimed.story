8 kernel: reclaim(): = 3
  reclaim, because it was asked for: 5 frames wanted
    page 0 of /bin/puppet leaves the page cache and frame 0x1: the disk has the same bytes
    frame 0x1 freed: nobody maps or holds it any more
    PTE 510 (0x7fffffffe000): 0x3 −A: cleared, to see whether the page is used again
    the TLB forgets the page
    frame 0x3 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    PTE 1 (0x401000): 0x2 −A: cleared, to see whether the page is used again
    the TLB forgets the page
    frame 0x2 is spared: its code was executed; it goes to the active list
    PTE 501 (0x7ffff7ff5000): 0x4 P W U NX → 0: unmapped
    the TLB forgets the page
    frame 0x4 is dropped: MADV_FREE gave its page up and nobody wrote to it since, so it needs no swap slot; the next access finds zeros
    frame 0x4 freed: nobody maps or holds it any more
    PTE 502 (0x7ffff7ff6000): 0x5 −A: cleared, to see whether the page is used again
    the TLB forgets the page
    frame 0x5 is spared: it was used since reclaim looked last (second chance); it stays on the inactive list once more
    frame 0x5 is spared: it was written again since MADV_FREE; it goes to the active list
    frame 0x2 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    PTE 1 (0x401000): 0x2 P U → 0: unmapped
    the TLB forgets the page
    page 1 of /bin/puppet leaves the page cache and frame 0x2: the disk has the same bytes
    frame 0x2 freed: nobody maps or holds it any more
  reclaim: of 5 frames wanted 3 frames freed; 6 pages looked at, 3 spared
