import Foundation
import MeteoRA
import MeteoRAReports

/// The page of `--routing-html`: collects what generations made of prompts, writes it at the end.
final class RoutingPageFile {
  private let url: URL
  private let tokenizer: Tokenizer?
  private var report: RoutingReport

  /// - Parameters:
  ///   - url: The page.
  ///   - prompts: All that will be continued.
  ///   - newTokens: The limit for each of them.
  ///   - model: What continues them.
  ///   - mode: One that routes.
  ///   - name: What the reader knows the model by.
  ///   - tokenizer: `nil` to show ids.
  /// - Throws: ``CommandFailure`` if a page for so many tokens would be too large.
  init(
    at url: URL, prompts: [NamedPrompt], newTokens: Int, model: MeteoRAModel,
    mode: MeteoRAModel.Mode, name: String, tokenizer: Tokenizer?
  ) throws {
    self.url = url
    self.tokenizer = tokenizer
    report = try RoutingReport(of: model, name: name, mode: mode)
    let positions = model.base.configuration.maximumPositions
    let tokens = prompts.reduce(0) { sum, prompt in
      sum + min(positions, prompt.tokens.count + newTokens)
    }
    let scope = try model.routingScope(in: mode)
    do throws(RoutingReportError) {
      try report.requireRoom(sequences: prompts.count, tokens: tokens, in: scope)
    } catch {
      let advice =
        switch error {
        case .tooManyAdapters, .file: ""
        case .tooManyTokens, .tooLarge: "; lower --max-new-tokens or give fewer prompts"
        }
      throw CommandFailure("option --routing-html: \(error)\(advice)")
    }
  }

  /// Takes what a generation that recorded routing made of its prompts so far.
  func add(_ prompts: [NamedPrompt], of generation: MeteoRAGeneration) {
    for (index, prompt) in prompts.enumerated() {
      report.sequences.append(
        RoutingReport.Sequence(prompt, index: index, of: generation, tokenizer: tokenizer))
    }
  }

  /// Writes the page of all that was added.
  func write() throws(RoutingReportError) { try report.writePage(to: url) }

  /// Writes the page of what was added before a failure; no page, and none replaced, for nothing.
  func write(after failure: any Error) throws(TwoFailures) {
    if report.sequences.isEmpty { return }
    do throws(RoutingReportError) {
      try write()
    } catch {
      throw TwoFailures(failure, then: error)
    }
  }
}
