import Foundation
import MeteoRA
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRAReports
import MeteoRASafetensors

/// `swift run tiny-demo`: a small MeteoRA bundle, from its files to coloured tokens.
@main
struct TinyDemo {
  static func main() {
    do {
      if let argument = CommandLine.arguments.dropFirst().first {
        guard argument == "--help" else { throw DemoError.argument(argument) }
        return try FileHandle.standardOutput.write(contentsOf: Data(usage.utf8))
      }
      guard let folder = TinyMeteoRA.directory else { throw DemoError.noBundle }
      let style = TerminalStyle(
        choice: .auto, isTerminal: isatty(STDOUT_FILENO) == 1,
        environment: ProcessInfo.processInfo.environment)
      try Demonstration(folder: folder, style: style).run()
    } catch {
      // With nowhere to write to, the exit code is all there is to say.
      try? FileHandle.standardError.write(contentsOf: Data("tiny-demo: \(error)\n".utf8))
      if case DemoError.argument = error { exit(EX_USAGE) }
      exit(1)
    }
  }

  private static let usage = """
    Usage: tiny-demo

    Loads the trained bundle in Fixtures/tiny-meteora, lets it answer held-out
    requests of all its tasks, then a list of five in one prompt with its tokens
    coloured by dominant adapter (the deeper, the larger the adapter's share),
    counts right answers, and compares the bits of the three kernels.

    """
}

enum DemoError: Error, CustomStringConvertible {
  case argument(String)
  case noBundle
  case output
  case kernelsDiffer(LoRAMoEKernel)

  var description: String {
    switch self {
    case .argument(let text):
      "'\(printable(text))' is an argument too many: expected none, or --help"
    case .noBundle: "the demo's files are not beside the program; run it with 'swift run tiny-demo'"
    case .output: "cannot write to standard output"
    case .kernelsDiffer(let kernel):
      "the kernel \(kernel.rawValue) gives other logits than the one before it, expected equal bits"
    }
  }
}
