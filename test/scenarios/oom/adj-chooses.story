8 kernel: oom_score_adj(): = 0
10 kernel: oom(): = 0; OOM: small (1001) killed, badness 1208
  OOM: small (1001) killed, badness 1208 = 2 resident + 0 swapped + 6 tables + oom_score_adj 300 × 4; big 1034
  oom_badness() of big: 1026 resident + 0 in swap + 8 page tables = 1034
  oom_badness() of small: 2 resident + 0 in swap + 6 page tables + oom_score_adj 300 × 4 (a thousandth of RAM and swap, in pages) = 1208
  it was asked for; the OOM killer takes small, which has the highest badness (1208)
  small ends (SIGKILL): its files are closed and its address space is given up
    VMA 00400000-00401000 r--p /bin/puppet is removed
    VMA 00401000-00402000 r-xp /bin/puppet is removed
      PTE 1 (0x401000): 0x2 P U A → 0: unmapped
    VMA 7ffff7ff7000-7ffff7ffb000 r--p [vvar] is removed
    VMA 7ffff7ffb000-7ffff7ffd000 r--p [vvar_vclock] is removed
    VMA 7ffff7ffd000-7ffff7fff000 r-xp [vdso] is removed
    VMA 7ffffffde000-7ffffffff000 rw-p (grows down) is removed
      PTE 510 (0x7fffffffe000): 0x4 P W U A D NX → 0: unmapped
      frame 0x4 freed: nobody maps or holds it any more
