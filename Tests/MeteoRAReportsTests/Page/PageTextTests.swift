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

  @Test("joiners and marks stay, so that words and pictures do")
  func joiners() {
    for text in ["👨‍👩‍👧", "می‌خواهم", "e\u{301}", "\u{FFFD}", "日本"] {
      #expect(PageText.token(text) == text)
    }
  }

  @Test(
    "a label stands between the space and the word, and no accent stands on it",
    arguments: [
      (" the", " #the"), ("the", "#the"), (" ", "#<i class=\"w\"> </i>"),
      ("  a", " #<i class=\"w\"> </i>a"), ("\u{301}a", "#◌\u{301}a"), ("", "#"),
    ])
  func label(text: String, expected: String) {
    #expect(PageText.token(text, label: "#") == expected)
  }
}
