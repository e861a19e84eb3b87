import Testing
import TinyTasks

@Suite("Arguments of tiny-data")
struct TinyDataOptionsTests {
  @Test(
    "it takes a folder and a seed",
    arguments: [
      (["--output", "a"], .write(output: "a", seed: 47)),
      (["--output=a=b", "--seed=0"], .write(output: "a=b", seed: 0)),
      (
        ["--seed", "18446744073709551615", "--output", "-"],
        .write(output: "-", seed: .max)
      ),
      (["--output", "a", "--help"], .help),
      (["--help"], .help),
    ] as [([String], TinyDataOptions)])
  func takes(arguments: [String], expected: TinyDataOptions) throws {
    #expect(try TinyDataOptions(arguments) == expected)
  }

  @Test(
    "it says what is wrong",
    arguments: [
      ([], "option --output is missing; see 'tiny-data --help'"),
      (["--seed", "1"], "option --output is missing; see 'tiny-data --help'"),
      (["--output"], "option --output needs a value; see 'tiny-data --help'"),
      (["--output", "--seed", "1"], "option --output needs a value; see 'tiny-data --help'"),
      (["--output="], "option --output is '', expected a path"),
      (["--output", "a", "--output", "b"], "option --output is given twice"),
      (["--seed=1", "--seed=1"], "option --seed is given twice"),
      (["--seed", "+1"], "option --seed is '+1', expected an integer from 0 to \(UInt64.max)"),
      (["--seed="], "option --seed is '', expected an integer from 0 to \(UInt64.max)"),
      (
        ["--seed", "18446744073709551616"],
        "option --seed is '18446744073709551616', expected an integer from 0 to \(UInt64.max)"
      ),
      (["--help=yes"], "option --help takes no value"),
      (["--ouptut", "a"], "unknown argument '--ouptut'; did you mean '--output'?"),
      (["folder"], "unknown argument 'folder'; see 'tiny-data --help'"),
      ([""], "unknown argument ''; see 'tiny-data --help'"),
    ] as [([String], String)])
  func refuses(arguments: [String], message: String) {
    let error = #expect(throws: TinyDataUsageError.self) { try TinyDataOptions(arguments) }
    #expect(error?.description == message)
  }

  @Test("the help names every option within 80 columns")
  func help() {
    let lines = TinyDataOptions.usage.split(separator: "\n")
    #expect(lines.allSatisfy { $0.utf8.count <= 80 })
    for option in ["--output", "--seed", "--help"] {
      #expect(lines.contains { $0.contains("  \(option)") })
    }
  }
}
