package authjs

import "sync"

// scratch is work space for sealing and opening, lent by a pool.
type scratch struct {
	all  []byte
	used int
}

var scratches = sync.Pool{New: func() any { return &scratch{all: make([]byte, 4<<10)} }}

// maxScratch is the largest work space that is kept for later, in bytes.
const maxScratch = 64 << 10

// borrow lends work space of size bytes.
func borrow(size int) *scratch {
	s := scratches.Get().(*scratch)
	if len(s.all) < size {
		s.all = make([]byte, size)
	}
	return s
}

// take returns an empty slice with room for size bytes that nothing else shares.
func (s *scratch) take(size int) []byte {
	from := s.used
	s.used += size
	return s.all[from:from:s.used]
}

// release gives the work space back, cleared: it held somebody's claims.
func (s *scratch) release() {
	clear(s.all[:s.used])
	s.used = 0
	if len(s.all) <= maxScratch {
		scratches.Put(s)
	}
}
