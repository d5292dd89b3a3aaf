6 kernel: reclaim(): = 4
  reclaim, because it was asked for: 4 frames wanted
    fifo takes frame 0x1: it came in first
    page 0 of /bin/puppet leaves the page cache and frame 0x1: the disk has the same bytes
    frame 0x1 freed: nobody maps or holds it any more
    fifo takes frame 0x2: it came in first
    PTE 1 (0x401000): 0x2 P U A → 0: unmapped
    the TLB forgets the page
    page 1 of /bin/puppet leaves the page cache and frame 0x2: the disk has the same bytes
    frame 0x2 freed: nobody maps or holds it any more
    fifo takes frame 0x3: it came in first
    PTE 510 (0x7fffffffe000): 0x3 P W U A D NX → swap slot 0
    the TLB forgets the page
    swap-out of frame 0x3: its page goes to swap slot 0, written there
    frame 0x3 freed: nobody maps or holds it any more
    fifo takes frame 0x4: it came in first
    PTE 495 (0x7ffff7fef000): 0x4 P W U A D NX → swap slot 1
    the TLB forgets the page
    swap-out of frame 0x4: its page goes to swap slot 1, written there
    frame 0x4 freed: nobody maps or holds it any more
  reclaim: of 4 frames wanted 4 frames freed; 4 pages looked at, 0 spared
