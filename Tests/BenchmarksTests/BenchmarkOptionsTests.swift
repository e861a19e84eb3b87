import Testing

@testable import benchmarks

@Suite("The command line of the benchmarks")
struct BenchmarkOptionsTests {
  private static let product = "product/f32/4096x4096/"

  @Test("chooses the case of a whole name alone, and else all whose names begin so")
  func selection() throws {
    let one = try BenchmarkOptions(["ops", "--only", "\(Self.product)1"]).selection
    #expect(one.includes("\(Self.product)1"))
    #expect(!one.includes("\(Self.product)16"))
    #expect(one.includesAny(of: Self.product))
    #expect(!one.includesAny(of: "lora_moe/"))
    let several = try BenchmarkOptions(["ops", "--only=product/f32/4096x4", "--only=silu"])
    #expect(several.selection.includes("\(Self.product)16"))
    #expect(several.selection.includes("silu/512x14336"))
    #expect(!several.selection.includes("product/f32/4096x14336/16"))
    #expect(try BenchmarkOptions(["ops"]).selection.includes("\(Self.product)16"))
  }

  @Test("names every case once", arguments: [BenchmarkOptions.Subject.ops, .model])
  func names(subject: BenchmarkOptions.Subject) {
    let names = subject.caseNames
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.contains("/") })
    #expect(names.count == (subject == .ops ? 63 + 55 + 3 + 3 + 3 : 70))
  }

  @Test(
    "is refused where no case begins so",
    arguments: [
      ("produkt/f32", UsageError.noCase(prefix: "produkt/f32", nearest: "product/f32/")),
      ("\(product)3", .noCase(prefix: "\(product)3", nearest: product)),
      ("attention/promt", .noCase(prefix: "attention/promt", nearest: "attention/prompt/")),
      ("model/small", .caseOfOther(prefix: "model/small", command: "model")),
      ("", .value("--only", "", "a text")),
    ])
  func noCase(prefix: String, expected: UsageError) {
    #expect(throws: expected) { try BenchmarkOptions(["ops", "--only", prefix]) }
  }

  @Test("takes values behind a space or an equals sign")
  func values() throws {
    let options = try BenchmarkOptions([
      "ops", "--threads=2", "--seconds", "0.25", "--json", "--against=a b=c", "--pairs", "7",
    ])
    #expect(options.parallelism.threads == 2)
    #expect((options.budget.seconds, options.pairs) == (0.25, 7))
    #expect(options.peer == "a b=c")
    #expect(options.isJSON)
  }

  @Test(
    "is refused in one line",
    arguments: [
      (["ops", "--thread"], "there is no option '--thread'"),
      (["ops", "--threads", "0"], "--threads is '0', expected a number from 1 to 1024"),
      (["ops", "--seconds=-1"], "--seconds is '-1', expected a number from 0 to 3600"),
      (["ops", "--seconds"], "--seconds is without a value, expected a number from 0 to 3600"),
      (["ops", "--json=yes"], "--json takes no value, found 'yes'"),
      (["ops", "--date", "x"], "--date is with 'ops', expected with 'table'"),
      (["ops", "--pairs", "2"], "--pairs is without --against CMD, whose turns it counts"),
      (
        ["table", "--threads", "1"],
        "--threads is with 'table', expected with 'ops' or 'model' or 'training'"
      ),
      (["ops", "a"], "'ops' takes options only, found 'a'"),
      (["table", "a"], "'table' needs --date D and at least one file of JSON lines"),
      (["tokenizers", "--json"], "'tokenizers' needs --tokenizer P and --text F"),
      (
        ["top"],
        "'top' is no benchmark, expected one of 'ops', 'model', 'training', 'tokenizers', 'table'"
      ),
    ])
  func refusals(arguments: [String], expected: String) {
    let error = #expect(throws: UsageError.self) { try BenchmarkOptions(arguments) }
    #expect(error?.description == expected)
  }
}
