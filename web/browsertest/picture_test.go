package browsertest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// readmePicture is the picture in the README, as a path from here.
const readmePicture = "testdata/board.png"

// The picture in the README is what the board looks like. It is taken again
// with PHAROS_PICTURE=1.
func TestReadmePicture(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "](web/browsertest/" + readmePicture + ")"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md has no picture ![...%s", want)
	}
	w := showcase(t)
	b := newTab(t, 1280, 720)
	b.open(w.url("/?theme=dark"))
	b.until(`document.querySelectorAll(".tile.-critical, .tile.-unknown").length === 2
		&& [...document.querySelectorAll(".tile.-ok .trail")].every((trail) => trail.querySelector(".o")?.getAttribute("d").startsWith("M0 "))`)
	eval[bool](b, `document.getElementById("lag").hidden = true`) // a busy machine is not what it is about
	shot, err := chromedp.Run(b, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("PHAROS_PICTURE") != "" {
		if err := os.WriteFile(readmePicture, shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(readmePicture)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) > 150_000 {
		t.Errorf("%s has %d bytes, want at most 150,000", readmePicture, len(kept))
	}
	if share := difference(t, kept, shot); share > 0.05 {
		t.Errorf("%.0f %% of %s is not what the board looks like now, want at most 5 %%: look at it, and take it again with PHAROS_PICTURE=1", 100*share, readmePicture)
	}
}

// difference gives the share of two pictures' squares of 16 x 16 pixels whose
// mean brightness differs by more than a tenth: a clock that went on does not
// count, a tile of another colour does.
func difference(t *testing.T, one, other []byte) float64 {
	t.Helper()
	const side = 16
	a, b := decodePNG(t, one), decodePNG(t, other)
	if a.Bounds() != b.Bounds() {
		return 1
	}
	squares, differ := 0, 0
	for y := 0; y+side <= a.Bounds().Dy(); y += side {
		for x := 0; x+side <= a.Bounds().Dx(); x += side {
			square := image.Rect(x, y, x+side, y+side)
			squares++
			if d := brightness(a, square) - brightness(b, square); d > 0.1 || d < -0.1 {
				differ++
			}
		}
	}
	return float64(differ) / float64(squares)
}

// brightness is the mean of an area's pixels, 0 to 1.
func brightness(img image.Image, area image.Rectangle) float64 {
	sum := 0
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			sum += int(color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y)
		}
	}
	return float64(sum) / float64(255*area.Dx()*area.Dy())
}

func decodePNG(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}
