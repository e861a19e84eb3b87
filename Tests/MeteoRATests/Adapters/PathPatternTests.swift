import Testing

@testable import MeteoRA

/// What an expression means is asked of PEFT itself, in the golden pack's area "peft"; here is what
/// PEFT cannot be asked.
@Suite("Expressions for module paths")
struct PathPatternTests {
  private static let path = "model.layers.31.self_attn.q_proj"

  private func pattern(
    _ text: String, _ extent: PathPattern.Extent = .whole
  ) throws(MeteoRAError) -> PathPattern {
    var budget = PatternBudget(file: "a.json")
    let pattern = try PathPattern(text, extent: extent, field: "target_modules", budget: &budget)
    #expect(budget.remaining == PatternBudget.largest - pattern.cost)
    return pattern
  }

  private func matches(
    _ text: String, _ extent: PathPattern.Extent = .whole, path: String = path
  ) throws(MeteoRAError) -> Bool {
    var work = PatternWork(file: "a.json")
    return try pattern(text, extent).matches(Array(path.utf8), work: &work)
  }

  private func refusal(_ text: String, _ extent: PathPattern.Extent = .whole) -> String? {
    do {
      _ = try pattern(text, extent)
      return nil
    } catch .pattern(_, _, _, let problem) {
      return problem
    } catch {
      return nil
    }
  }

  @Test(
    "it is quick where backtracking would take ages",
    arguments: [
      ("(a|a?)+$", false), ("(.*)*x", false), ("(.*.*)*x", false), ("(((.*)*)*)*x", false),
      ("(?:.?){60}x", false), ("(.|.)*x", false), ("(?=(.|.)*x)y", false),
      ("(?:(?:.*)*)*q_proj", true), ("(([a-z_.]|\\d)*)*q_proj", true), (".{0,500}.{0,500}", true),
    ])
  func isQuick(text: String, isMatch: Bool) throws {
    #expect(try matches(text) == isMatch)
    #expect(try matches("(a|a?)+$", path: String(repeating: "a", count: 60)))
  }

  @Test(
    "it is no expression",
    arguments: [
      "(", ")", "a)|(b", "(?:a", "a)", "[", "[a", "[]", "[^]", "*", "+a", "?", "(*a)", "a|*",
      "{2}", "a**", "a*{2}", "a{2}{3}", "a{3,2}", "^*", "$+", "\\b?", "[z-a]", "[a-\\d]",
      "[\\d-z]", "\\", "(?P<>a)", "(?P<1a>a)", "(?P<a", "(?P<a-b>c)", "[é-a]",
      "(?P<a>b)(?P<a>c)", "(?P<a>b(?P<a>c))",
    ])
  func isInvalid(text: String) throws {
    let problem = try #require(refusal(text))
    #expect(problem.hasPrefix("is no regular expression: "), "\(problem)")
  }

  @Test(
    "it is refused by name, as its meaning is not built",
    arguments: [
      ("(?i)a", "(?"), ("(?i:a)", "(?"), ("(?<=a)b", "(?"), ("(?<!a)b", "(?"), ("(?>a)b", "(?"),
      ("(?#a)b", "(?"), ("(?(1)a|b)", "(?"), ("(?P=a)", "(?"), ("a*+", "possessive"),
      ("a{2}+", "possessive"), ("(a)\\1", "\\1"), ("\\x41", "\\x"), ("\\Qa\\E", "\\Q"),
      ("\\p{L}", "\\p"), ("[\\b]", "\\b"), ("\\z", "\\z"), ("(?=a(?!b))c", "lookahead"),
      ("a{9999999999}", "10 digits"), ("(?x) a b", "(?"), ("(?P<é>a)", "not ASCII"),
    ])
  func isUnread(text: String, word: String) throws {
    let problem = try #require(refusal(text))
    #expect(problem.contains(word) && problem.hasSuffix("which is not read here"), "\(problem)")
  }

  @Test(
    "it is too large",
    arguments: [
      "(?:(?:a{100}){100}){100}", "(){20000}", "((){9999}){9999}", ".{0,100000}",
      String(repeating: "a|", count: 20_000),
    ])
  func isTooLarge(text: String) {
    #expect(refusal(text)?.hasPrefix("has more than ") == true)
  }

  @Test("it is too deep, or too long")
  func isTooDeep() throws {
    let deep = String(repeating: "(", count: 100_000) + String(repeating: ")", count: 100_000)
    #expect(refusal(deep)?.hasPrefix("has 200000 bytes") == true)
    let nested = String(repeating: "(", count: 1000) + String(repeating: ")", count: 1000)
    #expect(refusal(nested)?.contains("groups inside each other") == true)
    #expect(
      refusal(String(repeating: "(", count: 40) + "q" + String(repeating: ")", count: 40)) == nil)
    #expect(refusal(String(repeating: "a", count: 70_000))?.hasPrefix("has 70000 bytes") == true)
  }

  @Test("characters that no path has match nothing, and are no error")
  func otherScripts() throws {
    #expect(try matches(".*é*q_proj"))
    #expect(try !matches(".*éq_proj"))
    #expect(try matches(".*[é-ü_]proj"))
    #expect(try matches(".*[a-ü]_proj"))
    #expect(try matches(".*[^é]_proj"))
    // "q" and a combining accent are one Character and two scalars.
    #expect(try matches(".*q\u{301}?_proj"))
  }

  @Test("it has one meaning for a plain text and for the same text as an expression")
  func plainTexts() throws {
    let texts = [
      "q_proj", "self_attn.q_proj", "self_attn\\.q_proj", "1.self_attn.q_proj", "self.attn.q.proj",
      ".q_proj", "proj", "", "model.layers.31.self_attn.q_proj",
      "xmodel.layers.31.self_attn.q_proj", "^q_proj", "q_proj$",
      "^model.layers.31.self_attn.q_proj", "^model.layers.31.self_attn.q_proj$", "^", "$", "^$",
    ]
    for extent in [PathPattern.Extent.whole, .end, .endAfterDot] {
      for text in texts {
        let plain = try pattern(text, extent)
        let expression = try pattern("(?:\(text))", extent)
        #expect(plain.cost == 1)
        #expect(expression.cost > 1)
        #expect(try matches(text, extent) == matches("(?:\(text))", extent), "\(text)")
      }
    }
  }

  @Test(
    "releases of PEFT before 0.15 need a dot before it, and split it at '|'",
    arguments: [
      ("q_proj", true), ("self_attn.q_proj", true), ("model.*q_proj", false), (".*q_proj", true),
      ("model.layers.31.self_attn.q_proj", false), ("^model.*", false), ("proj", false),
      // `.*\\.q_proj` or `x$`, `.*\\.self` without an end, `x` or `q_proj$` from the start.
      ("q_proj|x", true), ("self|x", true), ("self", false), ("x|q_proj", false),
      ("x|model|x", true), ("(x|q_proj)", true), ("x|", false), ("self_attn|", true),
    ])
  func olderKeys(text: String, isMatch: Bool) throws {
    #expect(try matches(text, .endAfterDot) == isMatch)
  }

  @Test(
    "its last bytes decide nothing that the whole of it would not",
    arguments: [
      ("q_proj", .whole, false), ("(.*q_)(proj)", .whole, true), (".*q_proj\\b$", .whole, true),
      (".*(?=q)q_pro.", .whole, true), (".*q_proj(?!x)", .end, true), (".*q_projx*", .end, true),
      (".*x*", .end, true), (".*(x|q)_proj", .end, true), (".*q_proj.", .end, false),
      (".*_proj(?=x)", .end, false), (".*q_proj{1}", .end, true), (".*x{0}", .end, true),
      ("[^.]*q_proj", .endAfterDot, true), ("(self).*", .layerList, false),
      ("(layers)", .layerList, true), ("()layers", .layerList, true),
      (String(repeating: "(.)", count: path.utf8.count), .whole, true),
      (String(repeating: "(.)", count: path.utf8.count + 1), .whole, false),
    ] as [(String, PathPattern.Extent, Bool)])
  func endings(text: String, extent: PathPattern.Extent, isMatch: Bool) throws {
    #expect(try matches(text, extent) == isMatch)
  }

  @Test("it takes steps of those that are left, and is named when there are none")
  func takesSteps() throws {
    let hostile = try pattern("(.|){0,1200}x.*")
    var work = PatternWork(file: "a.json")
    var count = 0
    let error = #expect(throws: MeteoRAError.self) {
      while count < 100_000 {
        _ = try hostile.matches(Array(Self.path.utf8), work: &work)
        count += 1
      }
    }
    #expect(count > 100)
    #expect(
      error?.description == "a.json: target_modules '(.|){0,1200}x.*' takes, with what is tried "
        + "before it, more than 134217728 steps over all modules")
    // Nothing is tried any more.
    let plain = try pattern("q_proj", .end)
    #expect(throws: MeteoRAError.self) {
      try plain.matches(Array(Self.path.utf8), work: &work)
    }
  }

  @Test("alternatives outside of a group are refused before a layer's number")
  func layerAlternatives() {
    #expect(refusal("h|layers", .layerList)?.hasPrefix("has '|' outside of a group") == true)
    #expect(refusal("(h|layers)", .layerList) == nil)
    // PEFT's own group around the number.
    #expect(refusal("(?P<idx>layers)", .layerList)?.contains("another has") == true)
    #expect(refusal("(?P<idx>layers)", .end) == nil)
  }
}
