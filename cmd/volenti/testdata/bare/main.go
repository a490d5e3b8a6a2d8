// Command bare is an echo server that answers what it reads from standard input, and
// does nothing else: what serving the same bytes costs at the least.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/labstack/echo/v4"
)

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	e := echo.New()
	e.GET("/b/:file", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", body)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + l.Addr().String())
	panic(http.Serve(l, e))
}
