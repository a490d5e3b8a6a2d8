//go:build !linux

package main

import "os"

// diskOf knows nothing of disks here: what is asked of them is left out.
func diskOf(string) (disk, error) { return disk{free: 1 << 62}, nil }

func ownerOf(os.FileInfo) int { return os.Geteuid() }

func shareable(*os.File) error { return nil }

func serverOf(string) int { return 0 }

func openFiles(int) (int64, bool) { return 0, false }

func memoryLimit(int) (int64, bool) { return 0, false }
