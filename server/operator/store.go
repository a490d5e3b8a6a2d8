package operator

import (
	"context"
	"time"
)

// A Store keeps operators, how they sign in, and their acts. Calls are safe for
// concurrent use and return after the change is durable. All that is looked for
// and not there is ErrUnknown.
type Store interface {
	// AddOperator fails with ErrTaken where the address is another's.
	AddOperator(ctx context.Context, o Operator) error
	// ChangeOperator keeps all of o but CreatedAt; ErrUnknown, ErrTaken, and
	// ErrLastOwner where no enabled owner of all sites would be left.
	ChangeOperator(ctx context.Context, o Operator) error
	// Operator and OperatorOf find by id and by address.
	Operator(ctx context.Context, id string) (Operator, error)
	OperatorOf(ctx context.Context, email string) (Operator, error)
	// Operators are all, by name.
	Operators(ctx context.Context) ([]Operator, error)

	Sessions
	Entries

	// AddAct appends; nothing takes an act back.
	AddAct(ctx context.Context, a Act) error
	// Acts lists acts, newest first.
	Acts(ctx context.Context, q ActQuery) ([]Act, error)
}

// Sessions are the part of a Store that keeps who is signed in where.
type Sessions interface {
	AddSession(ctx context.Context, s Session) error
	// Session finds one that was not ended.
	Session(ctx context.Context, digest string) (Session, error)
	// SessionsOf lists an operator's, the last seen first.
	SessionsOf(ctx context.Context, operator string) ([]Session, error)
	// TouchSession notes when a session was seen and, if proven is not zero, when
	// its operator proved who they are.
	TouchSession(ctx context.Context, digest string, seen, proven time.Time) error
	// EndSessions ends those of an operator, all but the one of that digest.
	EndSessions(ctx context.Context, operator, but string) error
	EndSession(ctx context.Context, digest string) error
}

// Entries are the part of a Store that keeps ways in.
type Entries interface {
	// Keys are an operator's; those of one who has none are empty, and no error.
	Keys(ctx context.Context, operator string) (Keys, error)
	// KeepKeys replaces them.
	KeepKeys(ctx context.Context, k Keys) error
	// SpendCode notes that the code of a step counted: ErrSpent unless it is a
	// later one than any that counted.
	SpendCode(ctx context.Context, operator string, step int64) error
	// SpendRecovery takes a recovery code away, by digest: ErrSpent if it is not
	// among those that are left.
	SpendRecovery(ctx context.Context, operator, digest string) error

	AddPasskey(ctx context.Context, p Passkey) error // ErrTaken: its id is known
	// ChangePasskey keeps name, credential and time of use.
	ChangePasskey(ctx context.Context, p Passkey) error
	Passkey(ctx context.Context, id string) (Passkey, error)
	// Passkeys are an operator's, oldest first.
	Passkeys(ctx context.Context, operator string) ([]Passkey, error)
	DropPasskey(ctx context.Context, operator, id string) error
	// Forget takes all keys and passkeys of an operator away and ends their
	// sessions and links.
	Forget(ctx context.Context, operator string) error

	// AddLink keeps a link and voids earlier ones of its kind and operator.
	AddLink(ctx context.Context, l Link) error
	// Link finds one that opens at a time; ErrLink. UseLink also uses it up: of
	// two that use it at once, one gets it.
	Link(ctx context.Context, digest string, at time.Time) (Link, error)
	UseLink(ctx context.Context, digest string, at time.Time) (Link, error)
	// Spend notes that something counted that counts once; ErrSpent the second
	// time. It is remembered until then.
	Spend(ctx context.Context, digest string, now, until time.Time) error

	AddToken(ctx context.Context, t Token) error
	// Token finds one by its digest, also one that has ended.
	Token(ctx context.Context, digest string) (Token, error)
	// Tokens are all, newest first.
	Tokens(ctx context.Context) ([]Token, error)
	DropToken(ctx context.Context, id string) error
}

// An ActQuery says which acts are wanted.
type ActQuery struct {
	Sites    []string  // keys, "" for the server's own; nil is all
	Operator string    // id; "" is all
	What     string    // prefix: "policy."; "" is all
	Before   time.Time // zero is now
	Below    int64     // numbers less than this; 0 is all: the next page begins at the last Seq
	Most     int       // at most so many; 100 if 0
}
