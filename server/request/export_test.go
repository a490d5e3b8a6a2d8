package request

// Between is what tests need to know of the pauses between attempts.
var Between = between
