//go:build !linux

package main

// forgetProgram leaves it to the system.
func forgetProgram() {}
