10 kernel: drop_caches(): = 0
15 kernel: reclaim(): = 0
  reclaim, because it was asked for: 1 frame wanted; there is no swap, so anonymous pages stay
    frame 0x25 is spared: it is newer than the disk, so it has to be written first; it goes to the active list
    writeback of page 0 of /f starts: reclaim met dirty pages only and woke the flusher thread; frame 0x25 is clean and under writeback, and the disk will have it in 2 steps
    writeback of page 1 of /f starts: reclaim met dirty pages only and woke the flusher thread; frame 0x26 is clean and under writeback, and the disk will have it in 2 steps
    writeback of page 2 of /f starts: reclaim met dirty pages only and woke the flusher thread; frame 0x27 is clean and under writeback, and the disk will have it in 2 steps
  reclaim: of 1 frame wanted none was freed, 3 pages under writeback now; 1 page looked at, 1 spared
18 kernel: reclaim(): = 0
  reclaim, because it was asked for: 1 frame wanted; there is no swap, so anonymous pages stay
    frame 0x26 is spared: it is under writeback, and reclaim does not wait for it; it goes to the active list
    frame 0x27 is spared: it is under writeback, and reclaim does not wait for it; it goes to the active list
    frame 0x25 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    frame 0x26 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    frame 0x25 is spared: it is under writeback, and reclaim does not wait for it; it goes to the active list
    frame 0x26 is spared: it is under writeback, and reclaim does not wait for it; it goes to the active list
    frame 0x27 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    frame 0x25 was on the active list longest: it goes to the inactive list, to be looked at before it is taken
    … 15 more times the same
  reclaim: of 1 frame wanted none was freed; 34 pages looked at, 34 spared
22 kernel: reclaim(): = 3
  reclaim, because it was asked for: 3 frames wanted; there is no swap, so anonymous pages stay
    page 2 of /f leaves the page cache and frame 0x27: the disk has the same bytes
    frame 0x27 freed: nobody maps or holds it any more
    page 1 of /f leaves the page cache and frame 0x26: the disk has the same bytes
    frame 0x26 freed: nobody maps or holds it any more
    page 0 of /f leaves the page cache and frame 0x25: the disk has the same bytes
    frame 0x25 freed: nobody maps or holds it any more
  reclaim: of 3 frames wanted 3 frames freed; 3 pages looked at, 0 spared
