package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/xychart"
)

// Colours are Grafana's own by name or by palette, never by number: those have a shade for the light theme and one
// for the dark.

// Units of Grafana.
const (
	seconds    = "s"
	ofMemory   = "bytes" // powers of 1024
	byteRate   = "Bps"
	perSecond  = "cps"
	number     = "short"
	ofOne      = "percentunit" // a share from 0 to 1
	noScenario = "no scenario"
)

// Sizes on a grid that is 24 wide.
const (
	tile    = 3
	third   = 8
	half    = 12
	whole   = 24
	low     = 4
	regular = 8
	high    = 11
)

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("loadrig-prometheus")}
}

// query is a line of a panel, or several: one for each value of the labels in its legend.
type query struct{ legend, expr string }

func (q query) target(ref int) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Datasource(source()).RefId(string(rune('A' + ref))).
		Expr(q.expr).LegendFormat(q.legend).Range().EditorMode(prometheus.QueryEditorModeCode)
}

// board begins a dashboard.
func board(uid, title, about, from, refresh string) *dashboard.DashboardBuilder {
	return dashboard.NewDashboardBuilder(title).Uid(uid).Description(about).Tags([]string{"loadrig"}).Readonly().
		Time(from, "now").Refresh(refresh).Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(choice("instance", "Rig", "Which rigs are shown; those of a cluster add up.", "label_values(loadrig_build_info, instance)")).
		Link(dashboard.NewDashboardLinkBuilder("loadrig").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"loadrig"}).
			IncludeVars(true).KeepTime(true))
}

// choice is a variable that is chosen from values of a label; all of them to begin with.
func choice(name, label, about, values string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Description(about).Datasource(source()).
		Query(dashboard.StringOrMap{String: cog.ToPtr(values)}).Definition(values).
		Multi(true).IncludeAll(true).AllValue(".*").Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Current(dashboard.VariableOption{
			Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}}, Value: dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
		})
}

func row(title string) *dashboard.RowBuilder { return dashboard.NewRowBuilder(title) }

// lines is a panel of lines over time.
func lines(title, about, unit string, width uint32, queries ...query) *timeseries.PanelBuilder {
	p := timeseries.NewPanelBuilder().Title(title).Description(about).Unit(unit).Span(width).Height(regular).Datasource(source()).
		AxisSoftMin(0).LineWidth(1).FillOpacity(8).ShowPoints(common.VisibilityModeNever).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeTable).Placement(common.LegendPlacementBottom).
			ShowLegend(true).Calcs([]string{"lastNotNull", "max"})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
	for i, q := range queries {
		p.WithTarget(q.target(i))
	}
	return p
}

// stacked is a panel whose lines add up.
func stacked(title, about, unit string, width uint32, queries ...query) *timeseries.PanelBuilder {
	return lines(title, about, unit, width, queries...).FillOpacity(30).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// figure is a panel of one number, which is red from bad on. A bad of 0 means that no number is.
func figure(title, about, unit string, bad float64, expr string) *stat.PanelBuilder {
	steps := []dashboard.Threshold{{Color: "text"}}
	if bad > 0 {
		steps = []dashboard.Threshold{{Color: "green"}, {Color: "red", Value: &bad}}
	}
	// What is asked about all of the time shown is asked once and not for each moment of it.
	q, graph := query{title, expr}.target(0), common.BigValueGraphModeArea
	if strings.Contains(expr, "$__range") {
		q, graph = q.Instant(), common.BigValueGraphModeNone
	}
	return stat.NewPanelBuilder().Title(title).Description(about).Unit(unit).Span(tile).Height(low).Datasource(source()).
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		ColorMode(common.BigValueColorModeValue).GraphMode(graph).Orientation(common.VizOrientationAuto).NoValue("–").
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		WithTarget(q)
}

// clouds is a panel of all durations over time, darker where there are more.
func clouds(title, about string, width uint32, name string) *heatmap.PanelBuilder {
	q := query{"{{le}}", sum("", rate(name)) + " or " + sum("le", rate(name+"_bucket"))}
	return heatmap.NewPanelBuilder().Title(title).Description(about).Unit(perSecond).Span(width).Height(regular).Datasource(source()).
		Calculate(false).CellGap(1).HideLegend().
		Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Blues").Fill("blue").Exponent(0.5).Steps(32)).
		ExemplarsColor("purple").Tooltip(heatmap.NewHeatmapTooltipBuilder().Mode(common.TooltipDisplayModeSingle)).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(seconds).AxisPlacement(common.AxisPlacementLeft)).
		WithTarget(q.target(0).Format(prometheus.PromQueryFormatHeatmap))
}

// against is a panel of points: what there was of one thing at the same time as of another.
func against(title, about, unitX, unitY string, x, y query) *xychart.PanelBuilder {
	byName := func(name string) *xychart.MatcherConfigBuilder {
		return xychart.NewMatcherConfigBuilder().Id("byName").Options(name)
	}
	return xychart.NewPanelBuilder().Title(title).Description(about).Unit(unitY).Span(half).Height(high).Datasource(source()).
		Min(0).Show(xychart.XYShowModePoints).PointSize(xychart.NewXychartFieldConfigPointSizeBuilder().Fixed(5)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true).Calcs([]string{})).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)).
		Mapping(xychart.SeriesMappingManual).
		Series([]cog.Builder[xychart.XYSeriesConfig]{
			xychart.NewXYSeriesConfigBuilder().
				Frame(xychart.NewXychartXYSeriesConfigFrameBuilder().Matcher(xychart.NewMatcherConfigBuilder().Id("byIndex").Options(0))). // the joined one
				X(xychart.NewXychartXYSeriesConfigXBuilder().Matcher(byName(x.legend))).
				Y(xychart.NewXychartXYSeriesConfigYBuilder().Matcher(byName(y.legend))),
		}).
		OverrideByName(x.legend, []dashboard.DynamicConfigValue{{Id: "unit", Value: unitX}, {Id: "custom.axisLabel", Value: x.legend}}).
		OverrideByName(y.legend, []dashboard.DynamicConfigValue{{Id: "custom.axisLabel", Value: y.legend}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "joinByField", Options: map[string]any{"byField": "Time", "mode": "outer"}}).
		WithTarget(x.target(0)).WithTarget(y.target(1))
}
