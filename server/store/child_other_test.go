//go:build !unix

package store

import "errors"

func child(string) error { return errors.New("the tests with several processes need Unix") }
