import Dispatch
import Foundation

/// Turns SIGINT and SIGTERM into an ``Interruption``.
final class SignalWatcher {
  private var sources: [any DispatchSourceSignal] = []

  init(_ interruption: Interruption) {
    for number in [SIGINT, SIGTERM] {
      // A shell starts background jobs with SIGINT ignored; that is to stay so.
      if SignalWatcher.isIgnored(number) { continue }
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if !interruption.request(exitCode: 128 + number) { _exit(128 + number) }
      }
      source.resume()
      sources.append(source)
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    let old = signal(number, SIG_IGN)
    if unsafeBitCast(old, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { return true }
    signal(number, old)
    return false
  }
}
