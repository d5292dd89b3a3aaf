12 kernel: drop_caches(): = 0
13 kernel: writeback(): = 0
  PTE 501 (0x7ffff7ff5000): 0x24 −W −D: write-protected, so that the next write faults
  the TLB forgets the page
  writeback of page 0 of /f starts: writeback() asks for it and waits for nothing; frame 0x24 is clean and under writeback, and the disk will have it in 2 steps
  PTE 502 (0x7ffff7ff6000): 0x25 −W −D: write-protected, so that the next write faults
  the TLB forgets the page
  writeback of page 1 of /f starts: writeback() asks for it and waits for nothing; frame 0x25 is clean and under writeback, and the disk will have it in 2 steps
15 kernel: writeback(): = 0
  writeback of page 0 of /f ends: the disk has it from frame 0x24; the page was written to meanwhile, so it is dirty again
  writeback of page 1 of /f ends: the disk has it from frame 0x25
17 kernel: writeback(): = 0
  PTE 501 (0x7ffff7ff5000): 0x24 −W −D: write-protected, so that the next write faults
  the TLB forgets the page
  writeback of page 0 of /f starts: writeback() asks for it and waits for nothing; frame 0x24 is clean and under writeback, and the disk will have it in 2 steps
19 kernel: truncate(): = 0
  PTE 501 (0x7ffff7ff5000): 0x24 P U A NX → 0: unmapped
  PTE 502 (0x7ffff7ff6000): 0x25 P U A NX → 0: unmapped
  the TLB forgets 2 pages
  writeback of page 0 of /f ends: the disk has it from frame 0x24: the truncation had to wait for it
  frame 0x24 freed: nobody maps or holds it any more
  frame 0x25 freed: nobody maps or holds it any more
21 kernel: reclaim(): = 0
  reclaim, because it was asked for: 1 frame wanted
    PTE 500 (0x7ffff7ff4000): 0x26 P W U D NX → swap slot 0
    the TLB forgets the page
    swap-out of frame 0x26: it was not used lately; its page goes to swap slot 0, whose write begins; until its end the swap cache has the page
  reclaim: of 1 frame wanted none was freed, 1 page under writeback now; 1 page looked at, 0 spared
23 kernel: reclaim(): = 0
24 kernel: reclaim(): = 0
  the write to swap slot 0 ends: the slot has the page of frame 0x26; reclaim wanted the page, so it is the next one to be looked at
25 kernel: reclaim(): = 1
  reclaim, because it was asked for: 1 frame wanted
    frame 0x26 leaves the swap cache: swap slot 0 has the same bytes, so nothing is written
    frame 0x26 freed: nobody maps or holds it any more
  reclaim: of 1 frame wanted 1 frame freed; 1 page looked at, 0 spared
