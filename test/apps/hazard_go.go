// Hazards in a program of Go, whose runtime makes its system calls itself: what the program asks for by
// package syscall, from several goroutines and with signals coming in, and what the collector does.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	pages         = 64
	goroutines    = 8
	madvFree      = 8
	mremapMayMove = 1
	mapFixed      = 0x10
)

var page = os.Getpagesize()

// Of mmap2 where there is no mmap (EABI); package syscall names that one on its CPUs alone.
func mmapNumber() uintptr {
	if runtime.GOARCH == "arm" {
		return 192
	}
	return syscall.SYS_MMAP
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "FAIL: "+format+"\n", values...)
	os.Exit(1)
}

// Says that the state stands, then waits for the go file (see harness.h).
func wait(status, goFile string) {
	ready := func() {
		aside := fmt.Sprintf("%s.%d", status, os.Getpid())
		if os.WriteFile(aside, []byte("ready\n"), 0o644) != nil || os.Rename(aside, status) != nil {
			fail("cannot write %s", status)
		}
	}
	ready()
	for {
		if _, err := os.Stat(goFile); err == nil {
			return
		}
		if _, err := os.Stat(status); err != nil {
			ready()
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func call(what string, number uintptr, a ...uintptr) uintptr {
	a = append(a, 0, 0, 0, 0, 0, 0)
	result, _, err := syscall.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	if err != 0 {
		fail("%s: %v", what, err)
	}
	return result
}

func at(address uintptr, size int) []byte {
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&address))), size)
}

func newMemory(size int) uintptr {
	const how = syscall.MAP_PRIVATE | syscall.MAP_ANON
	return call("mmap", mmapNumber(), 0, uintptr(size), syscall.PROT_READ|syscall.PROT_WRITE, how,
		^uintptr(0), 0)
}

func fill(area []byte, seed byte) {
	for i := range area {
		area[i] = byte(i>>8) ^ byte(i)*7 ^ seed | 1
	}
}

func checkFill(what string, area []byte, seed byte) {
	for i, got := range area {
		if want := byte(i>>8) ^ byte(i)*7 ^ seed | 1; got != want {
			fail("%s at byte %d, expected %#x, got %#x", what, i, want, got)
		}
	}
}

func checkZero(what string, area []byte) {
	for i, got := range area {
		if got != 0 {
			fail("%s at byte %d, expected 0, got %#x", what, i, got)
		}
	}
}

type areas struct{ dropped, freed, grown, reused uintptr }

func prepare(seed byte) areas {
	a := areas{newMemory(pages * page), newMemory(pages * page), newMemory(6 * pages * page), newMemory(pages * page)}
	fill(at(a.dropped, pages*page), seed)
	fill(at(a.freed, pages*page), seed)
	fill(at(a.grown, 6*pages*page), seed) // Neighbours that growing must not run into.
	fill(at(a.reused, pages*page), seed)
	call("mprotect", syscall.SYS_MPROTECT, a.grown+uintptr(pages*page), uintptr(page), syscall.PROT_READ)
	return a
}

func (a areas) check(seed byte, file *os.File) {
	size := pages * page
	half := at(a.dropped, size)[size/2:]
	call("madvise", syscall.SYS_MADVISE, uintptr(unsafe.Pointer(&half[0])), uintptr(size/2), syscall.MADV_DONTNEED)
	checkZero("dropped memory", half)
	checkFill("memory that was kept", at(a.dropped, size/2), seed)

	call("madvise to free", syscall.SYS_MADVISE, a.freed, uintptr(size), madvFree)
	fill(at(a.freed, size), seed+1)
	checkFill("freed memory written again", at(a.freed, size), seed+1)

	grown := call("mremap", syscall.SYS_MREMAP, a.grown, uintptr(size), uintptr(4*size), mremapMayMove)
	checkFill("grown memory", at(grown, size), seed)
	checkZero("what has been added to it", at(grown, 4*size)[size:])

	call("munmap", syscall.SYS_MUNMAP, a.reused, uintptr(size))
	again := call("mmap", mmapNumber(), a.reused, uintptr(size), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|mapFixed, file.Fd(), 0)
	fill(at(again, size), seed+2)
	call("madvise of a file", syscall.SYS_MADVISE, again, uintptr(size), syscall.MADV_DONTNEED)
	checkFill("file where memory was", at(again, size), 99)
}

// Memory that the runtime gave back to the kernel and takes again must be zero.
func checkHeap(blocks [][]byte) {
	for i, block := range blocks {
		checkFill("block on the heap", block, byte(i))
		blocks[i] = nil
	}
	debug.FreeOSMemory()
	for round := 0; round < 3; round++ {
		for i := range blocks {
			blocks[i] = make([]byte, 256<<10)
			checkZero("new block on the heap", blocks[i])
			fill(blocks[i], byte(i))
		}
		runtime.GC()
	}
}

func main() {
	runtime.GOMAXPROCS(4)
	blocks := make([][]byte, 64)
	for i := range blocks {
		blocks[i] = make([]byte, 256<<10)
		fill(blocks[i], byte(i))
	}
	table := map[int]string{}
	for i := 0; i < 100000; i++ {
		table[i] = fmt.Sprint(i)
	}
	var all [goroutines]areas
	for i := range all {
		all[i] = prepare(byte(i))
	}
	content := make([]byte, pages*page)
	fill(content, 99)
	name := os.Args[3] + "/reused"
	if os.WriteFile(name, content, 0o644) != nil {
		fail("cannot write %s", name)
	}
	wait(os.Args[1], os.Args[2])

	file, err := os.Open(name)
	if err != nil {
		fail("%v", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	done := make(chan bool)
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				syscall.Kill(os.Getpid(), syscall.SIGUSR1)
				runtime.Gosched()
			}
		}
	}()
	var group sync.WaitGroup
	for i := range all {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			all[i].check(byte(i), file)
		}(i)
	}
	checkHeap(blocks)
	group.Wait()
	close(done)
	for i := 0; i < 100000; i++ {
		if table[i] != fmt.Sprint(i) {
			fail("entry %d of the table is %q", i, table[i])
		}
	}
	if bytes.Count(blocks[0], []byte{0}) != 0 {
		fail("a block on the heap lost its bytes")
	}
}
