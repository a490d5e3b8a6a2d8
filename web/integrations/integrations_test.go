package integrations

import (
	"os"
	"strings"
	"testing"
)

func TestTheTemplateIsMadeForOneServer(t *testing.T) {
	file, err := os.ReadFile("gtm/template.tpl")
	if err != nil {
		t.Fatal(err)
	}
	if TagManager("https://consent.example.com") != string(file) {
		t.Error("made for the server of the example, it is another than the file")
	}
	made := TagManager("https://shop.example/consent")
	if strings.Contains(made, "consent.example.com") {
		t.Error("the server of the example is still in it")
	}
	if !strings.Contains(made, `"string": "https://shop.example/consent/*"`) || !strings.Contains(made, `"defaultValue": "https://shop.example/consent"`) {
		t.Error("it may not inject the script of its server, or does not offer it")
	}
}
