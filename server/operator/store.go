package operator

import (
	"context"
	"time"
)

// A Store keeps operators, their sessions and their acts. Calls are safe for
// concurrent use and return after the change is durable.
type Store interface {
	// AddOperator fails with ErrTaken where the address is another's.
	AddOperator(ctx context.Context, o Operator) error
	// ChangeOperator keeps all of o but CreatedAt; ErrUnknown, ErrTaken, and
	// ErrLastOwner where no enabled owner of all sites would be left.
	ChangeOperator(ctx context.Context, o Operator) error
	// Operator and OperatorOf find by id and by address; ErrUnknown.
	Operator(ctx context.Context, id string) (Operator, error)
	OperatorOf(ctx context.Context, email string) (Operator, error)
	// Operators are all, by name.
	Operators(ctx context.Context) ([]Operator, error)

	// AddSession keeps a session; Session finds it, ErrUnknown if it was ended.
	AddSession(ctx context.Context, s Session) error
	Session(ctx context.Context, digest string) (Session, error)
	// TouchSession notes when a session was seen and, if proven is not zero, when
	// its operator proved who they are.
	TouchSession(ctx context.Context, digest string, seen, proven time.Time) error
	// EndSessions ends those of an operator, all but the one of that digest.
	EndSessions(ctx context.Context, operator, but string) error
	EndSession(ctx context.Context, digest string) error

	// AddAct appends; nothing takes an act back.
	AddAct(ctx context.Context, a Act) error
	// Acts lists acts of some sites, newest first, at most n, those before a time.
	Acts(ctx context.Context, q ActQuery) ([]Act, error)
}

// An ActQuery says which acts are wanted.
type ActQuery struct {
	Sites    []string  // keys, "" for the server's own; nil is all
	Operator string    // id; "" is all
	What     string    // prefix: "policy."; "" is all
	Before   time.Time // zero is now
	Most     int       // at most so many; 100 if 0
}
