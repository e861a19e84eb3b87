import Foundation
import MeteoRASafetensors
import Testing

@testable import MeteoRACommandLine

@Suite("Ending early")
struct InterruptionTests {
  private func arguments(_ options: [String]) throws -> [String] {
    ["generate", "--model", try Fixture.demo(), "--prompt-ids", "380,363", "--ignore-eos"] + options
  }

  @Test("Ctrl-C stops a stream after the token under way, with the line ended")
  func stopsStream() throws {
    let sink = MemorySink()
    let interruption = Interruption()
    sink.onWrite = { if $0 == 5 { interruption.request() } }
    let whole = ToolRun(try arguments([]))
    let run = ToolRun(try arguments([]), output: sink, interruption: interruption)
    #expect(run.exitCode == 130)
    #expect(run.error.isEmpty)
    #expect(run.output.hasSuffix("\n"))
    #expect(run.output.utf8.count > 5)
    #expect(run.output.utf8.count < whole.output.utf8.count / 2)
  }

  @Test("--json says cancelled, with the tokens that there are")
  func saysCancelled() throws {
    let interruption = Interruption()
    interruption.request()
    let run = ToolRun(try arguments(["--json"]), interruption: interruption)
    #expect(run.exitCode == 130)
    let answer = try run.json()
    #expect(answer["finish_reason"]?.string == "cancelled")
    #expect(answer["new_ids"]?.integers == [])
    #expect(answer["text"]?.string == "")
  }

  @Test("routing stops, too, and shows the last token without one")
  func stopsRouting() throws {
    let sink = MemorySink()
    let interruption = Interruption()
    sink.onWrite = { if $0 == 4 { interruption.request() } }
    let run = ToolRun(try arguments(["--show-routing"]), output: sink, interruption: interruption)
    #expect(run.exitCode == 130)
    #expect(run.lines.count >= 2)
  }

  @Test("the exit code is that of the signal")
  func exitCodeIsSignals() throws {
    let interruption = Interruption()
    interruption.request(exitCode: 143)
    #expect(ToolRun(try arguments([]), interruption: interruption).exitCode == 143)
  }

  @Test("a trace leaves no file")
  func traceLeavesNothing() throws {
    try withTemporaryFolder { folder in
      let interruption = Interruption()
      interruption.request()
      let run = ToolRun(
        [
          "trace", "--model", try Fixture.demo(), "--prompt-ids", "1,2", "--output",
          folder.appendingPathComponent("t.safetensors").path,
        ], interruption: interruption)
      #expect(run.exitCode == 130)
      #expect(try folder.contents().isEmpty)
    }
  }

  @Test("a second request is for the caller to see to, and so is one outside of commands")
  func secondRequestEndsAtOnce() {
    let interruption = Interruption()
    interruption.gracefully {
      #expect(interruption.request())
      #expect(!interruption.request())
    }
    #expect(!Interruption().request())
  }

  @Test("a reader that goes away ends it silently with 141")
  func brokenPipe() throws {
    let sink = MemorySink()
    sink.onWrite = { number throws(OutputFailure) in if number == 3 { throw .brokenPipe } }
    let run = ToolRun(try arguments([]), output: sink)
    #expect(run.exitCode == 141)
    #expect(run.error.isEmpty)
  }

  @Test("output that cannot be written is an error")
  func fullDisk() throws {
    let sink = MemorySink()
    sink.onWrite = { _ throws(OutputFailure) in
      throw .system(stream: "standard output", reason: "No space left on device")
    }
    let run = ToolRun(["--help"], output: sink)
    #expect(run.exitCode == 1)
    #expect(run.error == "meteora: standard output: cannot write: No space left on device\n")
  }
}
