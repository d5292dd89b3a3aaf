6 kernel: reclaim(): = 1
  reclaim, because it was asked for: 1 frame wanted
    clock takes frame 0x1: its page was not used since the hand came by
    page 0 of /bin/puppet leaves the page cache and frame 0x1: the disk has the same bytes
    frame 0x1 freed: nobody maps or holds it any more
  reclaim: of 1 frame wanted 1 frame freed; 1 page looked at, 0 spared
8 kernel: reclaim(): = 2
  reclaim, because it was asked for: 2 frames wanted
    PTE 1 (0x401000): 0x2 −A: cleared, to see whether the page is used again
    the TLB forgets the page
    frame 0x2 is spared: it was used since reclaim looked last (second chance); the hand goes on to the next
    PTE 510 (0x7fffffffe000): 0x3 −A: cleared, to see whether the page is used again
    the TLB forgets the page
    frame 0x3 is spared: it was used since reclaim looked last (second chance); the hand goes on to the next
    PTE 495 (0x7ffff7fef000): 0x4 −A: cleared, to see whether the page is used again
    … 7 more pages alike
    the TLB forgets the page
    frame 0xb is spared: it was used since reclaim looked last (second chance); the hand goes on to the next
    clock takes frame 0x2: its page was not used since the hand came by
    PTE 1 (0x401000): 0x2 P U → 0: unmapped
    the TLB forgets the page
    page 1 of /bin/puppet leaves the page cache and frame 0x2: the disk has the same bytes
    frame 0x2 freed: nobody maps or holds it any more
    clock takes frame 0x3: its page was not used since the hand came by
    PTE 510 (0x7fffffffe000): 0x3 P W U D NX → swap slot 0
    the TLB forgets the page
    swap-out of frame 0x3: its page goes to swap slot 0, written there
    frame 0x3 freed: nobody maps or holds it any more
  reclaim: of 2 frames wanted 2 frames freed; 12 pages looked at, 10 spared
