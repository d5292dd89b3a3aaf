10 kernel: reclaim(): = 2
  reclaim, because it was asked for: 2 frames wanted; there is no swap, so anonymous pages stay
    PTE 484 (0x7ffff7fe4000): 0x11 P W U D NX → 0: unmapped
    the TLB forgets the page
    frame 0x11 is dropped: its memory is MAP_DROPPABLE, so it needs no swap slot; the next access finds zeros
    frame 0x11 freed: nobody maps or holds it any more
    PTE 485 (0x7ffff7fe5000): 0x12 P W U D NX → 0: unmapped
    the TLB forgets the page
    frame 0x12 is dropped: its memory is MAP_DROPPABLE, so it needs no swap slot; the next access finds zeros
    frame 0x12 freed: nobody maps or holds it any more
  reclaim: of 2 frames wanted 2 frames freed; 2 pages looked at, 0 spared
