import Foundation
import MeteoRA
import MeteoRAFixtures
import MeteoRAKernels
import MeteoRAReports

/// `swift run tiny-demo`: a small MeteoRA bundle, from its files to coloured tokens.
@main
struct TinyDemo {
  static func main() {
    do {
      guard let folder = DemoBundle.directory else { throw DemoError.noBundle }
      let style = TerminalStyle(
        choice: .auto, isTerminal: isatty(STDOUT_FILENO) == 1,
        environment: ProcessInfo.processInfo.environment)
      try Demonstration(folder: folder, style: style).run()
    } catch {
      FileHandle.standardError.write(Data("tiny-demo: \(error)\n".utf8))
      exit(1)
    }
  }
}

enum DemoError: Error, CustomStringConvertible {
  case noBundle
  case kernelsDiffer(LoRAMoEKernel)

  var description: String {
    switch self {
    case .noBundle: "the demo's files are not beside the program; run it with 'swift run tiny-demo'"
    case .kernelsDiffer(let kernel):
      "the kernel \(kernel.rawValue) gives other logits than the one before it, expected equal bits"
    }
  }
}
