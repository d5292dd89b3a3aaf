7 kernel: writeback(): = 0
  PTE 501 (0x7ffff7ff5000): 0x4 −W −D: write-protected, so that the next write faults
  the TLB forgets the page
  writeback of page 0 of /f starts: writeback() asks for it and waits for nothing; frame 0x4 is clean and under writeback
  writeback of page 0 of /f ends: the disk has it from frame 0x4
  PTE 502 (0x7ffff7ff6000): 0x5 −W −D: write-protected, so that the next write faults
  the TLB forgets the page
  writeback of page 1 of /f starts: writeback() asks for it and waits for nothing; frame 0x5 is clean and under writeback
  writeback of page 1 of /f ends: the disk has it from frame 0x5
