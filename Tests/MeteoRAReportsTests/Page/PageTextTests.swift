import Testing

@testable import MeteoRAReports

@Suite("Text inside a page")
struct PageTextTests {
  @Test(
    "it is no markup",
    arguments: [
      ("</script>", "&lt;/script&gt;"), ("a&amp;b", "a&amp;amp;b"), ("\"'", "&quot;&#39;"),
      ("]]>", "]]&gt;"), ("<!--", "&lt;!--"),
    ])
  func noMarkup(text: String, expected: String) {
    #expect(PageText.token(text) == expected)
    #expect(PageText.plain(text) == expected)
  }

  @Test(
    "what would not be seen, or would move other text, is a code point in a box",
    arguments: [
      ("\u{0}", "U+0000"), ("\u{1B}", "U+001B"), ("\r", "U+000D"), ("\u{7F}", "U+007F"),
      ("\u{85}", "U+0085"), ("\u{AD}", "U+00AD"), ("\u{200B}", "U+200B"), ("\u{202E}", "U+202E"),
      ("\u{2066}", "U+2066"), ("\u{FEFF}", "U+FEFF"), ("\u{1FFFF}", "U+1FFFF"),
      ("\u{10FFFF}", "U+10FFFF"), ("\u{E0041}", "U+E0041"), ("\u{FFF9}", "U+FFF9"),
      ("\u{34F}", "U+034F"), ("\u{115F}", "U+115F"), ("\u{1160}", "U+1160"),
      ("\u{17B4}", "U+17B4"), ("\u{180E}", "U+180E"), ("\u{2064}", "U+2064"),
      ("\u{2800}", "U+2800"), ("\u{3164}", "U+3164"), ("\u{FFA0}", "U+FFA0"),
      ("\u{FFFC}", "U+FFFC"), ("\u{1BCA0}", "U+1BCA0"), ("\u{1D173}", "U+1D173"),
      ("\u{61C}", "U+061C"),
    ])
  func unseen(text: String, expected: String) {
    #expect(PageText.token("a" + text) == "a<i class=\"u\">\(expected)</i>")
    #expect(PageText.plain("a" + text) == "a" + expected)
  }

  @Test("separators of lines end the line, too")
  func separators() {
    #expect(PageText.token("\u{2028}b") == "<i class=\"u\">U+2028</i>\nb")
    #expect(PageText.plain("a\nb\tc") == "aU+000AbU+0009c")
  }

  @Test(
    "white space is marked where it would not be seen",
    arguments: [
      (" the", " the"), ("a b", "a b"), (" ", "<i class=\"w\"> </i>"),
      ("a  b", "a <i class=\"w\"> </i>b"), ("\n", "<i class=\"n\"></i>\n"),
      ("\tx", "<i class=\"h\">\t</i>x"), ("a\u{A0}b", "a<i class=\"b\">\u{A0}</i>b"),
      ("\u{3000}", "<i class=\"b\">\u{3000}</i>"), ("", ""),
    ])
  func whiteSpace(text: String, expected: String) {
    #expect(PageText.token(text) == expected)
  }

  @Test(
    "joiners, variation selectors and marks stay, so that words and pictures do",
    arguments: [
      "👨‍👩‍👧", "می‌خواهم", "\u{200C}خواهم", "می\u{200C}", "e\u{301}", "\u{FFFD}", "日本",
      "\u{2764}\u{FE0F}\u{200D}\u{1F525}", "1\u{FE0F}\u{20E3}", "\u{845B}\u{E0100}",
      "\u{1820}\u{180B}", " \u{2764}\u{FE0F}",
    ])
  func joiners(text: String) {
    #expect(Array(PageText.token(text).utf8) == Array(text.utf8))
    #expect(Array(PageText.plain(text).utf8) == Array(text.utf8))
  }

  @Test(
    "those with nothing to change are code points, as all that is not seen",
    arguments: [
      ("\u{200D}", "U+200D"), ("\u{FE0F}", "U+FE0F"), ("\u{E0100}", "U+E0100"),
      ("\u{180B}", "U+180B"), ("a\u{FE0F}\u{FE0F}", "a\u{FE0F}U+FE0F"),
      ("a\u{200C}\u{200D}", "a\u{200C}U+200D"), ("\u{FE0F}\u{200D}", "U+FE0FU+200D"),
      ("\u{200D}\u{FE0F}", "U+200DU+FE0F"), ("a \u{FE0E}", "a U+FE0E"),
    ])
  func alone(text: String, expected: String) {
    #expect(Array(PageText.plain(text).utf8) == Array(expected.utf8))
    let token = PageText.token(text).replacing("<i class=\"u\">", with: "")
    #expect(Array(token.replacing("</i>", with: "").utf8) == Array(expected.utf8))
  }

  @Test(
    "a label stands between the space and the word, and no accent stands on it",
    arguments: [
      (" the", " #the"), ("the", "#the"), (" ", "#<i class=\"w\"> </i>"),
      ("  a", " #<i class=\"w\"> </i>a"), ("\u{301}a", "#◌\u{301}a"), ("", "#"),
      ("\u{34F}a", "#<i class=\"u\">U+034F</i>a"), ("\u{103B}", "#◌\u{103B}"),
    ])
  func label(text: String, expected: String) {
    #expect(PageText.token(text, label: "#") == expected)
  }
}
