import Foundation

// math-proof: certifies every result of exp, log, sin and cos, and many of pow, as correctly rounded.
// Its evaluation shares nothing with the library's: double-word arithmetic, plain Taylor series, and a
// reduction of angles by powers of two modulo 2π.

@main
struct MathProof {
  static func main() async {
    do {
      let options = try Options(Array(CommandLine.arguments.dropFirst()))
      if options.showsHelp {
        print(Options.usage)
      } else if try await !run(options) {
        exit(1)
      }
    } catch {
      FileHandle.standardError.write(Data("math-proof: \(error)\n".utf8))
      exit(error is UsageError ? 64 : 1)
    }
  }

  /// Whether nothing is misrounded.
  private static func run(_ options: Options) async throws -> Bool {
    let threads = options.threads ?? ProcessInfo.processInfo.activeProcessorCount
    var report = ProofReport()
    printRow(["function", "certified", "by rule", "undecided", "misrounded", "seconds"])
    for name in options.functions {
      let start = Date()
      let work = ProofWork(function: name)
      var tally = Tally()
      await withTaskGroup(of: Tally.self) { group in
        for worker in 0..<threads {
          group.addTask { work.tally(worker: worker, of: threads, every: options.every) }
        }
        for await part in group { tally.merge(part) }
      }
      tally.keepHardest()
      let seconds = Int(Date().timeIntervalSince(start).rounded())
      printRow([
        name, "\(tally.certified)", "\(tally.byRule)", "\(tally.undecided.count)",
        "\(tally.misrounded.count)", "\(seconds)",
      ])
      report.add(tally, samples: options.output == nil ? [] : work.samples(options.samples))
    }
    if let output = options.output {
      try report.write(to: URL(fileURLWithPath: output))
    }
    return report.misrounded.isEmpty
  }

  private static func printRow(_ cells: [String]) {
    let columns = cells.map { $0 + String(repeating: " ", count: max(1, 12 - $0.utf8.count)) }
    // Unbuffered: the rows come minutes apart.
    FileHandle.standardOutput.write(Data((columns.joined() + "\n").utf8))
  }
}
