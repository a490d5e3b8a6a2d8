package store

import "errors"

func child(string) error { return errors.New("no such role") }
